package cause

func doctorSpecs() []Spec { return nil }
