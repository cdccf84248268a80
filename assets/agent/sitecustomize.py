"""The hook of `redis-pooltop run`: lets the agent in when redis-py or valkey-py is imported.

Python imports a module of this name at every start, so this file must be small, must parse on any Python and must
leave nothing of itself behind: it takes its directory out of sys.path (PYTHONPATH keeps it, so that children report
too) and then lets the site's own sitecustomize run, if there is one.
"""
import sys


def _hook():
    import os

    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if not _same(os, entry, here)]
    if sys.version_info < (3, 8) or not os.environ.get("REDIS_POOLTOP_SOCKET"):
        return
    _started(os)
    if os.path.exists(os.path.join(here, "redis_pooltop_agent.py")):
        sys.meta_path.insert(0, _Finder(os.path.join(here, "redis_pooltop_agent.py")))


def _started(os):
    """Leaves a sign for `run`: where nothing reports, it tells a program without redis from a Python without the hook."""
    try:
        path = os.environ.get("REDIS_POOLTOP_STARTED")
        if path:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except Exception:
        pass


def _same(os, entry, here):
    try:
        return bool(entry) and os.path.abspath(entry) == here
    except Exception:
        return False


def _primitives():
    # Taken now, because gevent and eventlet replace them before redis is imported.
    import _thread
    import time

    return (_thread.start_new_thread, _thread.allocate_lock, time.sleep)


class _Finder(object):
    """Finds nothing itself: it marks the modules the agent wants to see when they have been executed."""

    NAMES = frozenset(
        library + module
        for library in ("redis", "valkey")
        for module in (".connection", ".asyncio.connection", ".asyncio.cluster")
    )

    def __init__(self, agent):
        self.agent = agent
        self.primitives = _primitives()
        self.busy = False

    def find_spec(self, name, path=None, target=None):
        if name not in self.NAMES or self.busy:
            return None
        self.busy = True
        try:
            for finder in sys.meta_path:
                find = None if finder is self else getattr(finder, "find_spec", None)
                spec = find(name, path, target) if find else None
                if spec is not None:
                    self.mark(spec.loader)
                    return spec
            return None
        finally:
            self.busy = False

    def mark(self, loader):
        execute = getattr(loader, "exec_module", None)
        if execute is None:
            return

        def exec_module(module):
            try:
                del loader.exec_module
            except AttributeError:
                pass
            execute(module)
            try:
                self.load().patch(module)
            except Exception:
                pass

        try:
            loader.exec_module = exec_module
        except AttributeError:
            pass

    def load(self):
        name = "redis_pooltop_agent"
        agent = sys.modules.get(name)
        if agent is None:
            from importlib.machinery import ModuleSpec, SourceFileLoader

            loader = SourceFileLoader(name, self.agent)
            spec = ModuleSpec(name, loader, origin=self.agent)
            spec.has_location = True
            agent = type(sys)(name)
            agent.__spec__, agent.__loader__, agent.__file__ = spec, loader, self.agent
            sys.modules[name] = agent
            # Compiling it takes twenty times as long as loading it compiled, and this directory is ours to write to.
            unwritten, sys.dont_write_bytecode = sys.dont_write_bytecode, False
            try:
                loader.exec_module(agent)
                agent.begin(self.primitives)
            except BaseException:
                sys.modules.pop(name, None)
                raise
            finally:
                sys.dont_write_bytecode = unwritten
        return agent


def _next():
    """Runs the site's own sitecustomize in our place; where there is none, this import fails as it would have."""
    ours = sys.modules.pop(__name__, None)
    try:
        __import__(__name__)
    except ImportError:
        # `site` passes over exactly the error of there being none: the program sees it as it would without us.
        if ours is not None:
            sys.modules[__name__] = ours
        raise
    except BaseException:
        if ours is not None:
            sys.modules[__name__] = ours
        raise


if __name__ == "sitecustomize":
    try:
        _hook()
    except Exception:
        pass
    _next()
