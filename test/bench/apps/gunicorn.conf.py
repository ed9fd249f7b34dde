"""As a small site runs it. The signals are gunicorn's own affair: its workers end their requests, whatever the app is."""
workers = 2
threads = 8
