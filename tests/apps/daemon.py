"""Closes what it did not open and goes into the background, as old daemons do; then it works until its file is there."""

import os
import sys
import time

import redis

port, told, done = int(sys.argv[1]), sys.argv[2], sys.argv[3]
client = redis.Redis(port=port)
client.ping()
if os.fork():
    os._exit(7)
os.setsid()
if os.fork():
    os._exit(0)
os.chdir("/")
os.closerange(0, 256)
for _ in range(3):
    os.open(os.devnull, os.O_RDWR)
client = redis.Redis(port=port)
while not os.path.exists(told):
    client.incr("rounds")
    time.sleep(0.01)
with open(done + ".part", "w") as out:
    out.write("%d" % int(client.get("rounds")))
os.rename(done + ".part", done)
