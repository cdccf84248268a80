"""The hook: what every Python start goes through, with redis-py or without."""

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from support import HOOK, LIBRARY, Subject


class Hook(unittest.TestCase):
    def setUp(self):
        self.room = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.room)
        self.socket = os.path.join(self.room, "socket")

    def python(self, code, path=(), options=(), **env):
        env = dict(dict(os.environ, REDIS_POOLTOP_SOCKET=self.socket), **env)
        env["PYTHONPATH"] = os.pathsep.join([HOOK] + list(path))
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable] + list(options) + ["-c", code]
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def write(self, name, text):
        path = os.path.join(self.room, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def test_imports_nothing(self):
        heavy = ("asyncio", "json", "redis", "threading", "socket", "redis_pooltop_agent")
        code = "import sys; print([name for name in %r if name in sys.modules])" % (heavy,)
        self.assertEqual(self.python(code), "[]\n")

    def test_is_not_in_the_path_but_children_inherit_it(self):
        code = "import os, sys; print(%r in sys.path, %r in os.environ['PYTHONPATH'])" % (HOOK, HOOK)
        self.assertEqual(self.python(code), "False True\n")

    def test_the_site_s_own_runs_next(self):
        self.write("own/sitecustomize.py", "import sys\nsys.own = __name__, __file__\n")
        own = os.path.join(self.room, "own")
        code = "import sys; print(sys.own[0], sys.own[1] == sys.modules['sitecustomize'].__file__)"
        self.assertEqual(self.python(code, [own]), "sitecustomize True\n")

    def test_an_error_of_the_site_s_own_is_still_told(self):
        self.write("own/sitecustomize.py", "raise ImportError('of its own', name='something')\n")
        env = dict(os.environ, REDIS_POOLTOP_SOCKET=self.socket)
        own = os.path.join(self.room, "own")
        told = []
        for path in ([own], [HOOK, own]):
            env["PYTHONPATH"] = os.pathsep.join(path)
            done = subprocess.run([sys.executable, "-c", "print(1)"], env=env, stdout=-1, stderr=-1, text=True)
            told.append((done.returncode, done.stdout, done.stderr.splitlines()[-1:]))
        self.assertEqual(told[0], told[1])

    def test_leaves_a_sign_that_it_ran(self):
        sign = os.path.join(self.room, "started")
        for _ in range(2):
            self.assertEqual(self.python("print()", REDIS_POOLTOP_STARTED=sign), "\n")
            said = os.lstat(sign)
            self.assertEqual((said.st_size, said.st_mode & 0o777), (0, 0o600))
        os.unlink(sign)
        os.symlink(os.path.join(self.room, "elsewhere"), sign)
        for path in (sign, os.path.join(self.room, "none", "started"), ""):
            self.assertEqual(self.python("print()", REDIS_POOLTOP_STARTED=path), "\n")
        self.assertFalse(os.path.exists(os.path.join(self.room, "elsewhere")))
        os.unlink(sign)
        self.python("print()", options=["-S"], REDIS_POOLTOP_STARTED=sign)
        self.assertFalse(os.path.exists(sign))

    def test_without_a_socket_it_does_nothing(self):
        code = "import sys; print(sum('_Finder' == type(finder).__name__ for finder in sys.meta_path))"
        self.assertEqual(self.python(code), "1\n")
        self.assertEqual(self.python(code, REDIS_POOLTOP_SOCKET=""), "0\n")

    def test_parses_on_old_pythons(self):
        with open(os.path.join(HOOK, "sitecustomize.py")) as source:
            ast.parse(source.read(), feature_version=(3, 4))
        with open(os.path.join(HOOK, "redis_pooltop_agent.py")) as source:
            ast.parse(source.read(), feature_version=(3, 8))

    def test_leaves_old_pythons_alone(self):
        # Of those that happen to be there; a version manager's stand-in for one that is not fails without us too.
        found = [shutil.which(name) for name in ("python2.7", "python2", "python3.6", "python3.7")]
        env = dict(os.environ, PYTHONPATH=HOOK, REDIS_POOLTOP_SOCKET=self.socket)
        for python in filter(None, found):
            plain, hooked = [
                subprocess.run([python] + options + ["-c", "print(1)"], env=env, stdout=-1, stderr=-1)
                for options in (["-E"], [])
            ]
            self.assertEqual((hooked.stdout, hooked.stderr), (plain.stdout, plain.stderr), python)

    def test_a_module_keeps_its_loader_and_spec(self):
        code = (
            "import json, redis.connection as c, importlib; s = c.__spec__;"
            "print(json.dumps([type(s.loader).__name__, s.name, 'exec_module' in vars(s.loader)]))"
        )
        if LIBRARY != "redis":
            self.skipTest("for redis-py")
        self.assertEqual(json.loads(self.python(code)), ["SourceFileLoader", "redis.connection", False])

    def test_by_hand(self):
        subject = Subject(self, """
import importlib.util
pool = redis.ConnectionPool(port=PORT)
spec = importlib.util.spec_from_file_location("redis_pooltop_agent", %r)
agent = importlib.util.module_from_spec(spec)
sys.modules["redis_pooltop_agent"] = agent
spec.loader.exec_module(agent)
assert agent.start(os.environ["SOCKET_BY_HAND"]) is True
assert agent.start(os.environ["SOCKET_BY_HAND"]) is False
conn = pool.get_connection("_")  # here
pause("held")
""" % os.path.join(HOOK, "redis_pooltop_agent.py"), hook=self.room, env={"SOCKET_BY_HAND": "socket"})
        subject.reach("held")
        subject.lease("here", how="raw")
        self.assertEqual(subject.listener.only().hello["how"], "import")
        subject.finish()
        subject.clean()


if __name__ == "__main__":
    unittest.main()
