"""The demo: the app's main job on embedded defaults, through the API that a site uses."""
