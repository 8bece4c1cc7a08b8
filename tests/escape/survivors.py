# SPDX-License-Identifier: Apache-2.0
"""Shell lines that leave something behind which would rather live on. Used by tests/hosts too."""

SURVIVORS = {
    "background": "sleep 1000 &",
    "session": "setsid sleep 1000 &",
    "double fork": "(setsid sh -c 'sleep 1000 & sleep 1000 &' &)",
    "stopped": "sleep 1000 & kill -STOP $!",
    "deaf": "(trap '' TERM HUP INT; sleep 1000; sleep 1000) & nohup sleep 1000 >/dev/null 2>&1 &",
    "deep": "sh -c 'sh -c \"sh -c \\\"sleep 1000; true\\\" & sleep 1000; true\" & sleep 1000; true' &",
    "holds the pipe": "(sleep 1000; echo late) &",
    "no death signal": "python3 -c \"import ctypes,os,signal;os.fork() or (os.setsid(), os.fork() or (ctypes.CDLL(None).prctl(1,0),"
                       "signal.pause()))\" &",
}
