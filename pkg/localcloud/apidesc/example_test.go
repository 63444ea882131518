package apidesc_test

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/nvr-miem/merger/pkg/localcloud/apidesc"
)

// A stand-in finds the method of a request, then refuses what Google would refuse.
func Example() {
	api, err := apidesc.Load("drive")
	if err != nil {
		fmt.Println(err)
		return
	}
	found, _ := api.Find("GET", "/drive/v3/files/abc", nil)
	fmt.Println(found.Method.ID, found.Path["fileId"])

	query := url.Values{"acknowledgeAbuse": {"perhaps"}}
	fmt.Println(found.Method.CheckQuery(query, false))

	body, err := apidesc.DecodeObject(strings.NewReader(`{"titel": "Algebra"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(api.Method("files.create").CheckBody(body))

	// Output:
	// files.get abc
	// Invalid value for parameter "acknowledgeAbuse": "perhaps" is not a boolean
	// Invalid JSON payload received. Unknown name "titel" at 'file': Cannot find field.
}
