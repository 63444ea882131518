# Secrets of the notices. The operator adds the real value as a second version before enabling the
# notice (docs/install.md); no state file contains it. There are no other secrets: the database and
# Workspace are accessed by identity.

locals {
  secrets = { # the environment variable, and whether a service reads it
    webhook-secret = { variable = "WEBHOOK_SECRET", used = var.webhook != "" }
    smtp-password  = { variable = "SMTP_PASSWORD", used = var.smtp != null }
    zulip-key      = { variable = "ZULIP_KEY", used = var.zulip != "" }
  }

  notice_secrets = { for name, s in local.secrets : s.variable => google_secret_manager_secret.this[name].secret_id if s.used }

  # Components that can end a record and notify the requester.
  notifiers = ["claim", "standby", "stage", "merge", "upload", "link", "fail"]
}

resource "google_secret_manager_secret" "this" {
  for_each = local.secrets

  secret_id           = "nvr-${each.key}"
  deletion_protection = var.deletion_protection

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }

  depends_on = [time_sleep.services]
}

# A first version, so that services can refer to the latest one from the first apply.
resource "google_secret_manager_secret_version" "first" {
  for_each = google_secret_manager_secret.this

  secret                 = each.value.id
  secret_data_wo         = "unset"
  secret_data_wo_version = 1
}

resource "google_secret_manager_secret_iam_member" "reads" {
  for_each = merge([for who in local.notifiers : {
    for name, s in local.secrets : "${who} ${name}" => { who = who, secret = name } if s.used
  }]...)

  secret_id = google_secret_manager_secret.this[each.value.secret].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.component[each.value.who].member

  depends_on = [google_secret_manager_secret_version.first]
}
