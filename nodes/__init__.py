"""The rooms that know ComfyUI. Nodes unpack the host's types, call the core and pack what it returns."""
