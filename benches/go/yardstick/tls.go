package main

// TLS as a cluster has it: both ends hold a certificate of the cluster's own authority and verify
// the other's. The limits of HTTP/2 are the API server's.

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// maxConcurrentStreams is kube-apiserver's --http2-max-streams-per-connection.
const maxConcurrentStreams = 100

// authority reads the only certificate that signs for either end.
func authority(pki string) (*x509.CertPool, error) {
	path := filepath.Join(pki, "ca.crt")
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in it", path)
	}
	return pool, nil
}

// identity reads NAME.crt and NAME.key.
func identity(pki, name string) (tls.Certificate, error) {
	return tls.LoadX509KeyPair(filepath.Join(pki, name+".crt"), filepath.Join(pki, name+".key"))
}

// serverTLS asks every client for a certificate and verifies it.
func serverTLS(pki string) (*tls.Config, error) {
	pool, err := authority(pki)
	if err != nil {
		return nil, err
	}
	own, err := identity(pki, "server")
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		Certificates: []tls.Certificate{own},
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		MinVersion:   tls.VersionTLS13,
	}, nil
}

// newClient is one kubelet: one HTTP/2 connection of its own, nothing compressed, no redirects.
func newClient(pki string) (*http.Client, error) {
	pool, err := authority(pki)
	if err != nil {
		return nil, err
	}
	own, err := identity(pki, "client")
	if err != nil {
		return nil, err
	}
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{
				Certificates: []tls.Certificate{own},
				RootCAs:      pool,
				MinVersion:   tls.VersionTLS13,
			},
			Protocols:          &protocols,
			DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
