package faults_test

import (
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
)

// The second creation of a file fails, every other call works.
func ExampleTable_Inject() {
	table := faults.New(time.Second)
	err := table.Add(faults.Rule{API: "drive", Method: "files.create", Nth: 2, Kind: faults.Lost})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		fmt.Printf("%q\n", table.Inject("drive", "files.create"))
	}
	// Output:
	// ""
	// "lost"
	// ""
}
