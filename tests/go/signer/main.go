// Command signer makes keys of every kind with Go's own library, signs standard input with each the way
// the seed's signers do, and prints one JSON object: kinds by name, each with its public key or
// certificate as PEM and its signature.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"os"
	"time"
)

type signed struct {
	Key       string `json:"key"`
	Signature []byte `json:"signature"`
}

func main() {
	text, err := io.ReadAll(os.Stdin)
	must(err)
	digest := sha256.Sum256(text)
	kinds := map[string]signed{}
	for name, curve := range map[string]elliptic.Curve{
		"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521(),
	} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		must(err)
		signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		must(err)
		kinds[name] = signed{public(&key.PublicKey), signature}
		kinds[name+" certificate"] = signed{certificate(key), signature}
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	must(err)
	kinds["RSA"] = signed{public(&key.PublicKey), signature}
	kinds["RSA certificate"] = signed{certificate(key), signature}
	kinds["RSA PKCS#1"] = signed{block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)), signature}
	must(json.NewEncoder(os.Stdout).Encode(kinds))
}

func public(key any) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	must(err)
	return block("PUBLIC KEY", der)
}

func certificate(key crypto.Signer) string {
	template := x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	must(err)
	return block("CERTIFICATE", der)
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
