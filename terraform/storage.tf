# Two buckets. Segments come in from the recorders and are only read; work is ours.
#
# Neither keeps deleted objects (soft delete): segments go by age alone, since no account of ours may delete
# one, and keeping them for a week longer would cost half as much again; work can be made again.

resource "google_storage_bucket" "segments" {
  name                        = "${var.project}-segments"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  soft_delete_policy {
    retention_duration_seconds = 0
  }

  lifecycle_rule {
    action { type = "Delete" }
    condition { age = var.retention_days }
  }
  lifecycle_rule { # pieces of segments on their way from Drive
    action { type = "Delete" }
    condition {
      age            = 2
      matches_prefix = [".copies/"]
    }
  }
  lifecycle_rule {
    action { type = "AbortIncompleteMultipartUpload" }
    condition { age = 1 }
  }

  depends_on = [time_sleep.services]
}

resource "google_storage_bucket" "work" {
  name                        = "${var.project}-work"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # nothing in it that cannot be made again

  soft_delete_policy {
    retention_duration_seconds = 0
  }

  lifecycle_rule {
    action { type = "Delete" }
    condition { age = var.work_days }
  }
  lifecycle_rule {
    action { type = "AbortIncompleteMultipartUpload" }
    condition { age = 1 }
  }

  depends_on = [time_sleep.services]
}
