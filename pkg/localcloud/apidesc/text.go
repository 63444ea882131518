package apidesc

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checkText checks a value that is written as text, whatever its type.
func (s *schema) checkText(value string) error {
	switch s.Type {
	case "boolean":
		if value != "true" && value != "false" {
			return fmt.Errorf("%q is not a boolean", value)
		}
	case "integer":
		return s.checkInteger(value)
	case "number":
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			return fmt.Errorf("%q is not a number", value)
		}
	case "string":
		return s.checkString(value)
	}
	return nil
}

// checkInteger checks the digits, the bits of the format and the bounds of the description.
func (s *schema) checkInteger(value string) error {
	bits := 64
	if strings.HasSuffix(s.Format, "32") {
		bits = 32
	}
	if strings.HasPrefix(s.Format, "u") {
		if _, err := strconv.ParseUint(value, 10, bits); err != nil {
			return fmt.Errorf("%q is not an unsigned integer of %d bits", value, bits)
		}
		return nil // the descriptions bound none
	}
	n, err := strconv.ParseInt(value, 10, bits)
	if err != nil {
		return fmt.Errorf("%q is not an integer of %d bits", value, bits)
	}
	if low, err := strconv.ParseInt(s.Minimum, 10, 64); err == nil && n < low {
		return fmt.Errorf("%d is below %d", n, low)
	}
	if high, err := strconv.ParseInt(s.Maximum, 10, 64); err == nil && n > high {
		return fmt.Errorf("%d is above %d", n, high)
	}
	return nil
}

// checkString checks a string against the values and the format of the schema.
func (s *schema) checkString(value string) error {
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) {
		return fmt.Errorf("%q is none of %s", value, strings.Join(s.Enum, ", "))
	}
	switch s.Format {
	case "date-time", "google-datetime":
		if _, err := time.Parse(time.RFC3339Nano, value); err != nil {
			return fmt.Errorf("%q is not a time of RFC 3339 with an offset", value)
		}
	case "date":
		if _, err := time.Parse(time.DateOnly, value); err != nil {
			return fmt.Errorf("%q is not a date", value)
		}
	case "int64", "uint64":
		return s.checkInteger(value)
	case "byte":
		return checkBase64(value)
	}
	return nil
}

// checkBase64 takes both alphabets, with padding.
func checkBase64(value string) error {
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		if _, err := encoding.DecodeString(value); err == nil {
			return nil
		}
	}
	return errors.New("the value is not base64")
}
