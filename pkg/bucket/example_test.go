package bucket_test

import (
	"errors"
	"fmt"

	"github.com/nvr-miem/merger/pkg/bucket"
)

func ExampleSegmentName() {
	name, err := bucket.SegmentName("504", "2026-11-20", "2026-11-20_15:00_504_24.mp4")
	fmt.Println(name, err)

	_, err = bucket.SegmentName("..", "2026-11-20", "x.mp4")
	fmt.Println(errors.Is(err, bucket.ErrName))
	// Output:
	// 504/2026-11-20/2026-11-20_15:00_504_24.mp4 <nil>
	// true
}

func ExamplePartName() {
	name, err := bucket.PartName(7, "3f9c")
	fmt.Println(name, err)
	// Output: 7/parts/3f9c.json <nil>
}
