package cause

func cliSpecs() []Spec { return nil }
