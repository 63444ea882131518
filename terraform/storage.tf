# Two buckets. Recorders write to segments, and NVR Merger only reads it. NVR Merger writes to work.
#
# Neither keeps deleted objects (soft delete). Segments are deleted by the bucket alone: by age, and
# with spare_days by their custom time, which calendar and stage move forward. No component may
# delete one. Keeping them for another week would raise the cost by half. Work can be
# made again.

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
  dynamic "lifecycle_rule" { # the custom time is when a segment may be deleted
    for_each = var.spare_days == null ? [] : [var.spare_days]
    content {
      action { type = "Delete" }
      condition {
        days_since_custom_time              = 0
        send_days_since_custom_time_if_zero = true
      }
    }
  }
  lifecycle_rule { # pieces of segments that are being copied from Drive
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
  force_destroy               = true # all of it can be made again

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
