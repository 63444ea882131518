# Each alert names the symptom and links to the section of the runbook with the remedy.

locals {
  # Monitoring refuses a filter without a resource type. A record can fail in the job or in a
  # function.
  user = "resource.type=one_of(\"cloud_run_revision\", \"cloud_run_job\") metric.type=\"logging.googleapis.com/user/nvr_"

  # Compared with a threshold: `above`, or `below` where it is given. A gauge arrives as a
  # distribution. Its mean is exact; its percentiles depend on the buckets, which turn 0 into 0.5.
  thresholds = {
    overdue = {
      title   = "Records are not delivered 4 hours after their end", severity = "CRITICAL", runbook = "docs/runbook.md#overdue"
      filter  = "${local.user}queue_overdue\""
      aligner = "ALIGN_DELTA", period = "900s", above = 0.5, duration = "900s"
    }
    queue_stuck = {
      title   = "The oldest due record has waited for more than 2 hours", severity = "CRITICAL", runbook = "docs/runbook.md#queue-stuck"
      filter  = "${local.user}queue_oldest\""
      aligner = "ALIGN_DELTA", period = "900s", above = 7200, duration = "900s"
    }
    failed = {
      title   = "A record failed unexpectedly", severity = "ERROR", runbook = "docs/runbook.md#failed"
      filter  = "${local.user}failed\" metric.labels.kind=monitoring.regex.full_match(\"exhausted|dead_letter\")"
      aligner = "ALIGN_SUM", period = "600s", above = 0, duration = "0s", by = ["metric.labels.record"]
    }
    dead_letters = {
      title   = "Pub/Sub gave up a message", severity = "ERROR", runbook = "docs/runbook.md#dead-letters"
      filter  = "metric.type=\"pubsub.googleapis.com/subscription/dead_letter_message_count\" resource.type=\"pubsub_subscription\""
      aligner = "ALIGN_SUM", period = "600s", above = 0, duration = "0s", by = ["resource.labels.subscription_id"]
    }
    last_stop = {
      title   = "The function that marks failed records fails itself", severity = "ERROR", runbook = "docs/runbook.md#last-stop"
      filter  = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" resource.type=\"pubsub_subscription\" resource.labels.subscription_id=\"fail\""
      aligner = "ALIGN_MAX", period = "600s", above = 3600, duration = "0s"
    }
    unreadable = {
      title   = "A message cannot be read", severity = "WARNING", runbook = "docs/runbook.md#unreadable"
      filter  = "${local.user}unreadable\""
      aligner = "ALIGN_SUM", period = "600s", above = 0, duration = "0s"
    }
    merge_failed = {
      title   = "An execution of the job merge failed", severity = "WARNING", runbook = "docs/runbook.md#merge-failed"
      filter  = "metric.type=\"run.googleapis.com/job/completed_execution_count\" resource.type=\"cloud_run_job\" resource.labels.job_name=\"merge\" metric.labels.result=\"failed\""
      aligner = "ALIGN_SUM", period = "3600s", above = 2, duration = "0s"
    }
    takeovers = {
      title   = "Workers stop renewing their leases", severity = "WARNING", runbook = "docs/runbook.md#takeovers"
      filter  = "${local.user}takeovers\""
      aligner = "ALIGN_SUM", period = "3600s", above = 10, duration = "0s"
    }
    function_errors = {
      title   = "A function answers with errors", severity = "ERROR", runbook = "docs/runbook.md#function-errors"
      filter  = "metric.type=\"run.googleapis.com/request_count\" resource.type=\"cloud_run_revision\" metric.labels.response_code_class=\"5xx\""
      aligner = "ALIGN_SUM", period = "900s", above = 20, duration = "0s", by = ["resource.labels.service_name"]
    }
    api_errors = {
      title   = "Calls to Google fail", severity = "WARNING", runbook = "docs/runbook.md#api-errors"
      filter  = "${local.user}api_errors\""
      aligner = "ALIGN_SUM", period = "900s", above = 20, duration = "0s", by = ["metric.labels.api"]
    }
    canvas_day = {
      title   = "A room's encoder sent only its idle screen for a whole day", severity = "WARNING", runbook = "docs/runbook.md#canvas-day"
      filter  = "${local.user}canvas_days\""
      aligner = "ALIGN_SUM", period = "3600s", above = 0, duration = "0s", by = ["metric.labels.room"]
    }
    video_differs = {
      title   = "A delivered video is not on Drive as it was uploaded", severity = "ERROR", runbook = "docs/runbook.md#video-differs"
      filter  = "metric.type=\"logging.googleapis.com/user/nvr_videos_differ\" resource.type=\"cloud_run_job\""
      aligner = "ALIGN_SUM", period = "3600s", above = 0, duration = "0s", by = ["metric.labels.record"]
    }
    verify_failed = {
      title   = "The weekly comparison of delivered videos failed", severity = "WARNING", runbook = "docs/runbook.md#verify-failed"
      filter  = "metric.type=\"run.googleapis.com/job/completed_execution_count\" resource.type=\"cloud_run_job\" resource.labels.job_name=\"verify\" metric.labels.result=\"failed\""
      aligner = "ALIGN_SUM", period = "3600s", above = 0, duration = "0s"
    }
    verify_not_started = {
      title   = "The weekly comparison of delivered videos could not be started", severity = "WARNING", runbook = "docs/runbook.md#verify-failed"
      filter  = "metric.type=\"logging.googleapis.com/log_entry_count\" resource.type=\"cloud_scheduler_job\" resource.labels.job_id=\"${google_cloud_scheduler_job.verify.name}\" metric.labels.severity=\"ERROR\""
      aligner = "ALIGN_SUM", period = "3600s", above = 0, duration = "0s"
    }
    channel_expired = {
      title   = "A calendar's notification channel has expired, or expires before the next renewal", severity = "WARNING", runbook = "docs/runbook.md#channel-expired"
      filter  = "${local.user}channel_left\""
      aligner = "ALIGN_DELTA", period = "3600s", below = 86400, duration = "0s", by = ["metric.labels.room"]
    }
    database_cpu = {
      title   = "The database is busy", severity = "WARNING", runbook = "docs/runbook.md#database-limits"
      filter  = "metric.type=\"cloudsql.googleapis.com/database/cpu/utilization\" resource.type=\"cloudsql_database\""
      aligner = "ALIGN_MEAN", period = "300s", above = 0.85, duration = "1800s"
    }
    database_disk = {
      title   = "The database's disk approaches its limit", severity = "ERROR", runbook = "docs/runbook.md#database-limits"
      filter  = "metric.type=\"cloudsql.googleapis.com/database/disk/bytes_used\" resource.type=\"cloudsql_database\""
      aligner = "ALIGN_MAX", period = "300s", above = 0.85 * var.database.disk_limit_gb * 1000000000, duration = "600s"
    }
    database_connections = {
      title   = "The database's connections approach their limit", severity = "ERROR", runbook = "docs/runbook.md#database-limits"
      filter  = "metric.type=\"cloudsql.googleapis.com/database/network/connections\" resource.type=\"cloudsql_database\""
      aligner = "ALIGN_MAX", period = "300s", above = 0.85 * var.database.max_connections, duration = "600s"
    }
  }

  # The error budget of the month burns too fast, over a long window and over a twelfth of it. The
  # short window ends the alert soon after the cause. By the table of Google's SRE workbook these
  # are 2, 5 and 10 % of the month's budget. The last window is one day instead of three, because an
  # alert covers 25 hours at most. In a small deployment one late record is as much.
  burns = {
    fast = {
      title = "Deliveries are late: at this rate the month's budget is gone in two days", severity = "CRITICAL"
      long  = "3600s", short = "300s", rate = 14.4
    }
    middle = {
      title = "Deliveries are late: at this rate the month's budget is gone in five days", severity = "ERROR"
      long  = "21600s", short = "1800s", rate = 6
    }
    slow = {
      title = "Deliveries are late: at this rate the month's budget is gone in ten days", severity = "WARNING"
      long  = "86400s", short = "7200s", rate = 3
    }
  }
}

resource "google_monitoring_notification_channel" "operator" {
  for_each = var.operators

  type         = "email"
  display_name = each.value
  labels       = { email_address = each.value }

  depends_on = [time_sleep.services]
}

resource "google_monitoring_alert_policy" "threshold" {
  for_each = local.thresholds

  display_name          = each.value.title
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = [for c in google_monitoring_notification_channel.operator : c.id]

  conditions {
    display_name = each.value.title
    condition_threshold {
      filter          = each.value.filter
      comparison      = can(each.value.below) ? "COMPARISON_LT" : "COMPARISON_GT"
      threshold_value = try(each.value.below, each.value.above)
      duration        = each.value.duration
      aggregations {
        alignment_period     = each.value.period
        per_series_aligner   = each.value.aligner
        cross_series_reducer = lookup({ ALIGN_SUM = "REDUCE_SUM", ALIGN_DELTA = "REDUCE_MEAN" }, each.value.aligner, "REDUCE_MAX")
        group_by_fields      = try(each.value.by, [])
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    subject = "NVR Merger: ${each.value.title}"
    content = "${each.value.title}.\n\nWhat to do: ${var.source_url}/${each.value.runbook}"
    links {
      display_name = "Runbook"
      url          = "${var.source_url}/${each.value.runbook}"
    }
  }

  depends_on = [time_sleep.metrics]
}

# Claim logs the length of the queue at each run, every minute. While it logs nothing, only standby
# takes records. A metric that has never had a value is not absent: a claim that has never run shows
# on the dashboard only.
resource "google_monitoring_alert_policy" "claim_silent" {
  display_name          = "Claim takes no due records"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = [for c in google_monitoring_notification_channel.operator : c.id]

  conditions {
    display_name = "No line of claim for 30 minutes"
    condition_absent {
      filter   = "resource.type=\"cloud_run_revision\" resource.labels.service_name=\"claim\" metric.type=\"logging.googleapis.com/user/nvr_queue_waiting\""
      duration = "1800s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_PERCENTILE_50"
        cross_series_reducer = "REDUCE_MAX"
      }
    }
  }

  documentation {
    subject = "NVR Merger: claim takes no due records"
    content = "The function claim has logged nothing for 30 minutes. Only standby takes due records.\n\nWhat to do: ${var.source_url}/docs/runbook.md#claim-silent"
    links {
      display_name = "Runbook"
      url          = "${var.source_url}/docs/runbook.md#claim-silent"
    }
  }

  depends_on = [time_sleep.metrics]
}

resource "google_monitoring_alert_policy" "burn" {
  for_each = local.burns

  display_name          = each.value.title
  combiner              = "AND"
  severity              = each.value.severity
  notification_channels = [for c in google_monitoring_notification_channel.operator : c.id]

  dynamic "conditions" {
    for_each = toset([each.value.long, each.value.short])
    content {
      display_name = "The month's budget burns ${each.value.rate} times too fast over ${conditions.value}"
      condition_threshold {
        filter          = "select_slo_burn_rate(\"${google_monitoring_slo.delivery.id}\", \"${conditions.value}\")"
        comparison      = "COMPARISON_GT"
        threshold_value = each.value.rate
        duration        = "0s"
      }
    }
  }

  documentation {
    subject = "NVR Merger: ${each.value.title}"
    content = "${each.value.title}: the objective (delivered within 4 hours, 99.5 % of a month) is at risk.\n\nWhat to do: ${var.source_url}/docs/runbook.md#slo-burn"
    links {
      display_name = "Runbook"
      url          = "${var.source_url}/docs/runbook.md#slo-burn"
    }
  }

  depends_on = [time_sleep.metrics]
}
