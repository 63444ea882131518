package cause

// areaNotify is the section of causes that channels of notices give.
const areaNotify = "notify"

// Causes that channels of notices give.
const (
	// CodeWebhookRefused means that the webhook refuses notices.
	CodeWebhookRefused Code = "webhook-refused"
	// CodeZulipRefused means that Zulip refuses a notice.
	CodeZulipRefused Code = "zulip-refused"
	// CodeMailRefused means that the mail server refuses a notice.
	CodeMailRefused Code = "mail-refused"
)

// WebhookRefused returns the cause of [CodeWebhookRefused].
func WebhookRefused() Cause {
	return newCause(CodeWebhookRefused)
}

// ZulipRefused returns the cause of [CodeZulipRefused].
func ZulipRefused() Cause {
	return newCause(CodeZulipRefused)
}

// MailRefused returns the cause of [CodeMailRefused].
func MailRefused() Cause {
	return newCause(CodeMailRefused)
}

func notifySpecs() []Spec {
	return []Spec{
		spec(areaNotify, CodeWebhookRefused),
		spec(areaNotify, CodeZulipRefused),
		spec(areaNotify, CodeMailRefused),
	}
}
