"""The control protocol of a media worker (media/CONTROL.md).

`messages`, `codec` and `frames` are what a controller needs: they import neither aiortc nor av, so that the web process stays light.
`server` is the worker's side of the unix socket.
"""
