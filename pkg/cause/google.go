package cause

func googleSpecs() []Spec { return nil }
