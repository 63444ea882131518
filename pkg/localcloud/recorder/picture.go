package recorder

import (
	"image"
	"image/color"
)

// Picture is one raw picture: YUV 4:2:0, BT.709, limited range. Width and height are even.
type Picture struct {
	Width, Height int
	Bytes         []byte // the planes one after another
}

// NewPicture returns a picture with undefined content.
func NewPicture(width, height int) *Picture {
	return &Picture{
		Width:  width,
		Height: height,
		Bytes:  make([]byte, width*height*3/2),
	}
}

// planes returns the luma plane and the two chroma planes.
func (p *Picture) planes() (y, u, v []byte) {
	n := p.Width * p.Height
	return p.Bytes[:n], p.Bytes[n : n*5/4], p.Bytes[n*5/4:]
}

// toYUV converts full-range RGB to limited-range BT.709, in 16-bit fixed point.
func toYUV(c color.RGBA) (y, u, v byte) {
	r, g, b := int(c.R), int(c.G), int(c.B)
	y = byte(16 + (11966*r+40254*g+4064*b+32768)>>16)
	u = byte(128 + (-6596*r-22189*g+28784*b+32768)>>16)
	v = byte(128 + (28784*r-26145*g-2640*b+32768)>>16)
	return y, u, v
}

// fromRGBA converts a drawing of the picture's size.
func (p *Picture) fromRGBA(img *image.RGBA) {
	py, pu, pv := p.planes()
	for y := 0; y < p.Height; y += 2 {
		for x := 0; x < p.Width; x += 2 {
			su, sv := 0, 0
			for i := range 4 {
				xx, yy := x+i&1, y+i>>1
				ly, lu, lv := toYUV(img.RGBAAt(xx, yy))
				py[yy*p.Width+xx] = ly
				su, sv = su+int(lu), sv+int(lv)
			}
			pu[y/2*p.Width/2+x/2] = byte(su / 4)
			pv[y/2*p.Width/2+x/2] = byte(sv / 4)
		}
	}
}

// copyRows copies the columns [x0, x1) of the rows [y0, y1) from a picture of the same size. All
// bounds are rounded to even numbers.
func (p *Picture) copyRows(from *Picture, x0, x1, y0, y1 int) {
	x0, x1, y0, y1 = max(0, x0)&^1, min(p.Width, x1)&^1, max(0, y0)&^1, min(p.Height, y1)&^1
	if x0 >= x1 {
		return
	}
	py, pu, pv := p.planes()
	fy, fu, fv := from.planes()
	for y := y0; y < y1; y++ {
		copy(py[y*p.Width+x0:y*p.Width+x1], fy[y*p.Width+x0:])
	}
	for y := y0 / 2; y < y1/2; y++ {
		a := y*p.Width/2 + x0/2
		b := y*p.Width/2 + x1/2
		copy(pu[a:b], fu[a:])
		copy(pv[a:b], fv[a:])
	}
}

// sprite is a small drawing with transparency.
type sprite struct {
	w, h int // even
	luma []byte
	u, v []byte
	a    []byte // opacity of the luma
	ca   []byte // opacity of the chroma
}

// newSprite converts a drawing with premultiplied alpha and even sizes.
func newSprite(img *image.RGBA) *sprite {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	s := &sprite{
		w:    w,
		h:    h,
		luma: make([]byte, w*h),
		a:    make([]byte, w*h),
		u:    make([]byte, w*h/4),
		v:    make([]byte, w*h/4),
		ca:   make([]byte, w*h/4),
	}
	for y := range h {
		for x := range w {
			c := straight(img.RGBAAt(x, y))
			s.luma[y*w+x], _, _ = toYUV(c)
			s.a[y*w+x] = c.A
		}
	}
	for y := 0; y < h; y += 2 {
		for x := 0; x < w; x += 2 {
			su, sv, sa := 0, 0, 0
			for i := range 4 {
				c := straight(img.RGBAAt(x+i&1, y+i>>1))
				_, lu, lv := toYUV(c)
				su, sv, sa = su+int(lu)*int(c.A), sv+int(lv)*int(c.A), sa+int(c.A)
			}
			i := y/2*w/2 + x/2
			s.u[i] = byte(su / max(sa, 1))
			s.v[i] = byte(sv / max(sa, 1))
			s.ca[i] = byte(sa / 4)
		}
	}
	return s
}

// straight converts premultiplied to straight alpha.
func straight(c color.RGBA) color.RGBA {
	if c.A == 0 || c.A == 255 {
		return c
	}
	a := int(c.A)
	return color.RGBA{
		R: byte(int(c.R) * 255 / a),
		G: byte(int(c.G) * 255 / a),
		B: byte(int(c.B) * 255 / a),
		A: c.A,
	}
}

// lay draws the sprite over a picture. Its corner x, y is rounded to even numbers; parts outside
// are clipped.
func (s *sprite) lay(p *Picture, x, y int) {
	x, y = x&^1, y&^1
	py, pu, pv := p.planes()
	layPlane(py, p.Width, p.Height, s.luma, s.a, s.w, s.h, x, y)
	layPlane(pu, p.Width/2, p.Height/2, s.u, s.ca, s.w/2, s.h/2, x/2, y/2)
	layPlane(pv, p.Width/2, p.Height/2, s.v, s.ca, s.w/2, s.h/2, x/2, y/2)
}

// layPlane draws one plane (w by h) over another (tw by th) at x, y.
func layPlane(to []byte, tw, th int, from, alpha []byte, w, h, x, y int) {
	x0, x1 := max(0, -x), min(w, tw-x)
	for j := max(0, -y); j < min(h, th-y); j++ {
		for i := x0; i < x1; i++ {
			switch a := int(alpha[j*w+i]); a {
			case 0:
			case 255:
				to[(y+j)*tw+x+i] = from[j*w+i]
			default:
				t := &to[(y+j)*tw+x+i]
				*t = byte((int(from[j*w+i])*a + int(*t)*(255-a)) / 255)
			}
		}
	}
}
