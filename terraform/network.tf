# The network connects services and tasks to the database. Stage and merge decode footage, which may
# be hostile: they use it for all connections, and it lets them reach Google's APIs and the database
# only. The calls of the others do not use it.

locals {
  # The most instances: those that are set, one of claim, one of standby, two of fail, and a job
  # started by hand.
  most_instances = sum(values(var.instances)) + 5
  # The most addresses that Cloud Run takes: two an instance, and one a task. It keeps the address
  # of a task for seven minutes after the end, twice as long as the task ran.
  addresses = 2 * local.most_instances + 3 * var.max_merges * var.merge_parallelism
}

resource "google_compute_network" "this" {
  name                    = "nvr"
  auto_create_subnetworks = false

  depends_on = [time_sleep.services]
}

resource "google_compute_subnetwork" "this" {
  name                     = "nvr"
  network                  = google_compute_network.this.id
  region                   = var.region
  ip_cidr_range            = var.network_range
  private_ip_google_access = true

  # A sample of the connections shows what a component talked to.
  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "INCLUDE_ALL_METADATA"
  }

  lifecycle {
    precondition {
      condition     = local.addresses <= pow(2, 32 - tonumber(split("/", var.network_range)[1])) - 4 # Google keeps four
      error_message = "Instances and tasks can take ${local.addresses} addresses: give a larger network_range, or lower instances, max_merges or merge_parallelism."
    }
  }
}

# The range of the database's address.
resource "google_compute_global_address" "database" {
  name          = "nvr-database"
  network       = google_compute_network.this.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
}

resource "google_service_networking_connection" "database" {
  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.database.name]
  deletion_policy         = "ABANDON" # Google refuses to delete it for days after the last database is gone
}

# --- closed: stage and merge --------------------------------------------------------------------------

locals {
  closed_tag  = "nvr-closed"
  google_apis = "199.36.153.8/30" # private.googleapis.com; restricted.googleapis.com has no Drive
}

resource "google_compute_firewall" "closed" {
  for_each = {
    google   = { to = [local.google_apis], ports = ["443"] }
    database = { to = ["${google_compute_global_address.database.address}/${google_compute_global_address.database.prefix_length}"], ports = ["3307"] }
  }

  name               = "nvr-closed-to-${each.key}"
  network            = google_compute_network.this.id
  direction          = "EGRESS"
  priority           = 1000
  target_tags        = [local.closed_tag]
  destination_ranges = each.value.to

  allow {
    protocol = "tcp"
    ports    = each.value.ports # 3307 is that of Cloud SQL's connectors
  }
}

resource "google_compute_firewall" "closed_to_all" {
  name               = "nvr-closed"
  network            = google_compute_network.this.id
  direction          = "EGRESS"
  priority           = 65000
  target_tags        = [local.closed_tag]
  destination_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }

  # A refused connection is a sign of a hostile file, or of a call that docs/api-calls.md lacks.
  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}

# All names of Google's APIs lead to the addresses that the rule allows.
resource "google_dns_managed_zone" "google" {
  name        = "nvr-googleapis"
  dns_name    = "googleapis.com."
  description = "Google's APIs at private.googleapis.com"
  visibility  = "private"

  private_visibility_config {
    networks {
      network_url = google_compute_network.this.id
    }
  }

  depends_on = [time_sleep.services]
}

resource "google_dns_record_set" "google" {
  for_each = {
    "private.googleapis.com." = { type = "A", to = [for i in range(4) : cidrhost(local.google_apis, i)] }
    "*.googleapis.com."       = { type = "CNAME", to = ["private.googleapis.com."] }
  }

  managed_zone = google_dns_managed_zone.google.name
  name         = each.key
  type         = each.value.type
  ttl          = 300
  rrdatas      = each.value.to
}
