package run

import "encoding/json"

// Select keeps of JSON what the parameter fields selects.
func Select(fields string, body []byte) ([]byte, error) {
	m, err := parseMask(fields)
	if err != nil {
		return nil, err
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return nil, err
	}
	return json.Marshal(m.apply(value))
}
