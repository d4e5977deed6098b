"""Secret Manager: secrets, their versions, and their way into an instance's environment."""
