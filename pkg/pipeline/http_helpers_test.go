package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
)

// exchange makes a call that no fault strikes, as a person of the domain if who names one; text is sent
// as it is, all else as JSON. An answer that is no JSON stands under "body".
func exchange(t testing.TB, who, method, url string, body any) (status int, answer map[string]any) {
	t.Helper()
	text, ok := body.([]byte)
	kind := "video/mp4"
	var err error
	if !ok && body != nil {
		text, err = json.Marshal(body)
		kind = "application/json"
	}
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(
		context.Background(),
		method,
		url,
		bytes.NewReader(text),
	)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set(faults.SpareHeader, "off")
	request.Header.Set("Content-Type", kind)
	if who != "" {
		request.Header.Set("X-Workspace-User", who)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if json.Unmarshal(got, &answer) != nil {
		answer = map[string]any{"body": string(got)}
	}
	return response.StatusCode, answer
}
