"""What the console knows, as frozen values: made by the cloud floor, drawn by the screens."""
