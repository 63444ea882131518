package ffmpeg

// kWeighting filters the samples of one channel as loudness hears them: the K-weighting of ITU-R BS.1770
// at 48 kHz, a shelf for the head and a high pass. Without it hiss would seem fainter beside a voice
// than it is.
type kWeighting struct {
	shelf, highPass biquad
}

func newKWeighting() *kWeighting {
	return &kWeighting{
		shelf: biquad{b: [3]float64{1.53512485958697, -2.69169618940638, 1.19839281085285}, a: [2]float64{-1.69065929318241, 0.73248077421585}},
		highPass:  biquad{b: [3]float64{1, -2, 1}, a: [2]float64{-1.99004745483398, 0.99007225036621}},
	}
}

func (w *kWeighting) next(sample float64) float64 { return w.highPass.next(w.shelf.next(sample)) }

// biquad is a filter of the second order, in the transposed direct form 2.
type biquad struct {
	b      [3]float64
	a      [2]float64
	z1, z2 float64
}

func (f *biquad) next(x float64) float64 {
	y := f.b[0]*x + f.z1
	f.z1 = f.b[1]*x - f.a[0]*y + f.z2
	f.z2 = f.b[2]*x - f.a[1]*y
	return y
}
