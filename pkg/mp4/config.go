package mp4

// Configuration returns the decoder configuration of a sample entry of a video track: the type and the
// body of its box avcC or hvcC (ISO/IEC 14496-15). It returns no type if there is none, or if the index
// of the track was not read from a file.
func (t *Track) Configuration(entry int) (kind string, body []byte) {
	const fixed = 78 // the fields of VisualSampleEntry (12.1.3)
	f := fieldReader{t.description}
	f.skip(8)
	for _, sample := range boxes(f.b) {
		if entry--; entry >= 0 {
			continue
		}
		e := fieldReader{sample}
		e.skip(fixed)
		for name, config := range boxes(e.b) {
			if name == "avcC" || name == "hvcC" {
				return name, config
			}
		}
		break
	}
	return "", nil
}
