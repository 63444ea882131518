# Metrics, the delivery objective, and the dashboard. The alerts are in alerts.tf.
#
# Processes export no metrics, because Cloud Run may freeze them after their answer. They log a line
# with an `event` for everything that is counted, and Cloud Logging counts the lines. metrics.json
# is the list of package observe; a test compares the two.

locals {
  metrics = { for m in jsondecode(file("${path.module}/metrics.json")) : m.name => m }
  # A metric of a field is a distribution: a log-based counter can only count lines.
  measured = { for name, m in local.metrics : name => m if can(m.value) }
  counted  = { for name, m in local.metrics : name => m if !can(m.value) }

  log_of_ours = "resource.type=(\"cloud_run_revision\" OR \"cloud_run_job\")"
}

resource "google_logging_metric" "counted" {
  for_each = local.counted

  name        = "nvr_${each.key}"
  description = each.value.help
  filter      = "${local.log_of_ours} jsonPayload.event=(${join(" OR ", [for e in each.value.events : "\"${e}\""])})"

  label_extractors = { for label in try(each.value.labels, []) : label => "EXTRACT(jsonPayload.${label})" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    dynamic "labels" {
      for_each = try(each.value.labels, [])
      content {
        key = labels.value
      }
    }
  }

  depends_on = [time_sleep.services]
}

resource "google_logging_metric" "measured" {
  for_each = local.measured

  name        = "nvr_${each.key}"
  description = each.value.help
  filter      = "${local.log_of_ours} jsonPayload.event=(${join(" OR ", [for e in each.value.events : "\"${e}\""])})"

  value_extractor  = "EXTRACT(jsonPayload.${each.value.value})"
  label_extractors = { for label in try(each.value.labels, []) : label => "EXTRACT(jsonPayload.${label})" }

  bucket_options {
    exponential_buckets {
      scale              = 1
      growth_factor      = 1.2 # a value is accurate to a fifth
      num_finite_buckets = 72  # up to half a million: seconds of five days
    }
  }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    dynamic "labels" {
      for_each = try(each.value.labels, [])
      content {
        key = labels.value
      }
    }
  }

  depends_on = [time_sleep.services]
}

# Monitoring refuses an alert on a metric that it does not know. It can know a metric minutes after
# Logging does.
resource "time_sleep" "metrics" {
  create_duration = "300s"

  depends_on = [google_logging_metric.counted, google_logging_metric.measured]
}

# --- the objective ------------------------------------------------------------------------------------

resource "google_monitoring_custom_service" "this" {
  service_id   = "nvr-merger"
  display_name = "NVR Merger"

  depends_on = [time_sleep.services]
}

# 99.5 % of the records of 30 days are delivered within 4 hours of their end, or of a later request.
# Records that could not be delivered (no footage, refused by Google) count on neither side.
resource "google_monitoring_slo" "delivery" {
  service             = google_monitoring_custom_service.this.service_id
  slo_id              = "delivery"
  display_name        = "Delivered within 4 hours: 99.5 %"
  goal                = 0.995
  rolling_period_days = 30

  request_based_sli {
    good_total_ratio {
      good_service_filter = "${local.user}outcomes\" metric.labels.promise=\"kept\""
      bad_service_filter  = "${local.user}outcomes\" metric.labels.promise=\"broken\""
    }
  }

  depends_on = [time_sleep.metrics]
}

# --- the dashboard ------------------------------------------------------------------------------------

resource "google_monitoring_dashboard" "this" {
  dashboard_json = templatefile("${path.module}/dashboard.json.tftpl", {
    runbook = "${var.source_url}/docs/runbook.md"
  })

  depends_on = [time_sleep.metrics]
}
