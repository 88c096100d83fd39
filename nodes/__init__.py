"""The ComfyUI nodes. They convert between the host's types and the core's and call the core."""
