package ffmpeg

// kWeighting is the K-weighting filter of ITU-R BS.1770 for one channel at 48 kHz:
// a high shelf for the head and a high pass. Without it, hiss would count less
// beside a voice than it should.
type kWeighting struct {
	shelf, highPass biquad
}

// newKWeighting returns the filter at rest. The coefficients are those of ITU-R BS.1770-4 for 48 kHz, tables
// 1 and 2.
func newKWeighting() *kWeighting {
	return &kWeighting{
		shelf: biquad{
			b: [3]float64{1.53512485958697, -2.69169618940638, 1.19839281085285},
			a: [2]float64{-1.69065929318241, 0.73248077421585},
		},
		highPass: biquad{
			b: [3]float64{1, -2, 1},
			a: [2]float64{-1.99004745483398, 0.99007225036621},
		},
	}
}

// next filters one sample.
func (w *kWeighting) next(sample float64) float64 {
	return w.highPass.next(w.shelf.next(sample))
}

// biquad is a filter of the second order in transposed direct form 2.
type biquad struct {
	b      [3]float64
	a      [2]float64
	z1, z2 float64
}

// next filters one sample.
func (f *biquad) next(x float64) float64 {
	y := f.b[0]*x + f.z1
	f.z1 = f.b[1]*x - f.a[0]*y + f.z2
	f.z2 = f.b[2]*x - f.a[1]*y
	return y
}
