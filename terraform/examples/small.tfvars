# One campus, 20 rooms: about 60 lectures on a working day. See docs/cost-cloud.md for the cost.

project        = "nvr-merger-example"
project_number = "123456789012"
region         = "europe-west1"
state_bucket   = "nvr-merger-example-terraform"

scheduler_region = "europe-west1"
build_region     = "europe-west1"

form_users = ["domain:example.org"]
operators  = ["operator@example.org"]
recorders  = ["serviceAccount:recorder@nvr-example.iam.gserviceaccount.com"]

drive_subject      = "recordings@example.org"
drive_uploaders    = []
calendar_subject   = "recordings@example.org"
calendar_requester = ""
classroom_subject  = ""
drive_folder       = ""
courses            = {}

time_zone      = "Europe/Moscow"
language       = "ru"
leveler        = "on"
segment_length = "30m"
slice          = "10m"

retention_days = 14
spare_days     = 3
work_days      = 14

max_merges        = 4
merge_parallelism = 8
merge_cpu         = 4
merge_memory      = "4Gi"
instances         = { form = 2, api = 2, calendar = 1, stage = 4, upload = 4, link = 2 }
network_range     = "10.20.0.0/22"
rate_limit        = 50
open_records      = 50
request_policy    = "domain"
layout            = "side"
share_domains     = [] # those of the accounts above

database = {
  tier            = "db-g1-small"
  disk_gb         = 10
  disk_limit_gb   = 50
  standby         = false
  max_connections = 200
  backup_days     = 14
}
database_connectors_only = false
nvr_user                 = "nvr"
deletion_protection      = true

webhook = ""
smtp    = null
zulip   = ""

repository     = ""
variables_file = "terraform/examples/small.tfvars"
source_url     = "https://github.com/nvr-miem/merger/blob/main"
