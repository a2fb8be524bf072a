// Command decoder reads pods as a kubelet reads them and answers with what it understood.
//
// Requests and answers are frames: four bytes of big-endian length, then the content. A request is
// '?', or '!' if a field that is given twice is to be an error, then one JSON document. An answer is
// '+', then the decoded pod encoded again, or '-', then the error. It ends when its input does.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

func main() {
	decoders, err := clientDecoders()
	if err != nil {
		log.Fatal(err)
	}
	requests, answers := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	for {
		request, err := readFrame(requests)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil || len(request) == 0 {
			log.Fatal("no request: ", err)
		}
		if err := writeFrame(answers, answer(decoders[request[0]], request[1:])); err != nil {
			log.Fatal(err)
		}
	}
}

// clientDecoders are what a typed client of client-go decodes JSON answers with, and its strict twin.
func clientDecoders() (map[byte]runtime.Decoder, error) {
	codecs := scheme.Codecs.WithoutConversion()
	info, ok := runtime.SerializerInfoForMediaType(codecs.SupportedMediaTypes(), runtime.ContentTypeJSON)
	if !ok {
		return nil, errors.New("client-go has no JSON serializer")
	}
	return map[byte]runtime.Decoder{
		'?': codecs.DecoderToVersion(info.Serializer, corev1.SchemeGroupVersion),
		'!': codecs.DecoderToVersion(info.StrictSerializer, corev1.SchemeGroupVersion),
	}, nil
}

func answer(decoder runtime.Decoder, document []byte) []byte {
	// Items of a list may leave their kind out.
	kind := corev1.SchemeGroupVersion.WithKind("Pod")
	object, _, err := decoder.Decode(document, &kind, nil)
	if err := beyondUnknownFields(err); err != nil {
		return append([]byte{'-'}, err.Error()...)
	}
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return fmt.Appendf(nil, "-decoded as %T", object)
	}
	encoded, err := json.Marshal(pod)
	if err != nil {
		return append([]byte{'-'}, err.Error()...)
	}
	return append([]byte{'+'}, encoded...)
}

// beyondUnknownFields drops complaints about fields that are newer than this client.
func beyondUnknownFields(err error) error {
	strict, ok := runtime.AsStrictDecodingError(err)
	if !ok {
		return err
	}
	return errors.Join(slices.DeleteFunc(strict.Errors(), func(err error) bool {
		return strings.HasPrefix(err.Error(), "unknown field ")
	})...)
}

func readFrame(source io.Reader) ([]byte, error) {
	var length uint32
	if err := binary.Read(source, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	content := make([]byte, length)
	_, err := io.ReadFull(source, content)
	return content, err
}

func writeFrame(sink *bufio.Writer, content []byte) error {
	if err := binary.Write(sink, binary.BigEndian, uint32(len(content))); err != nil {
		return err
	}
	if _, err := sink.Write(content); err != nil {
		return err
	}
	return sink.Flush()
}
