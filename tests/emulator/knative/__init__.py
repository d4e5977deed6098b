"""The HTTP face: Knative serving v1, log reading, IAM; by plain HTTP and by gcloud."""
