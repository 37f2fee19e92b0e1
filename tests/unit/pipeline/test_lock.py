import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from nevus.pipeline import lock
from nevus.pipeline.lock import FILE, FolderLockedError, folder_lock


def test_the_folder_is_made_and_free_again_afterwards(tmp_path):
    out = tmp_path / "deep" / "out"
    for _ in range(2):
        notices = []
        with folder_lock(out, notices.append):
            pass
        assert notices == []
    assert (out / FILE).read_text() == ""


def test_another_thread_of_this_process_is_kept_out_and_does_not_break_the_lock(tmp_path):
    refused = []

    def second():
        try:
            with folder_lock(tmp_path / "."):
                pass
        except FolderLockedError as error:
            refused.append(str(error))

    with folder_lock(tmp_path):
        for _ in range(2):
            thread = threading.Thread(target=second)
            thread.start()
            thread.join()
        assert take_elsewhere(tmp_path) == "refused"
    assert len(refused) == 2
    assert f"process {os.getpid()}" in refused[0]
    assert take_elsewhere(tmp_path) == "taken"


def test_an_error_inside_frees_the_folder(tmp_path):
    with pytest.raises(RuntimeError), folder_lock(tmp_path):
        raise RuntimeError
    assert take_elsewhere(tmp_path) == "taken"


def take_elsewhere(out: Path) -> str:
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from nevus.pipeline.lock import FolderLockedError, folder_lock
        try:
            with folder_lock(Path(sys.argv[1])):
                print("taken")
        except FolderLockedError:
            print("refused")
        """
    )
    done = subprocess.run([sys.executable, "-c", program, str(out)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_an_orphan_of_a_killed_run_does_not_keep_its_lock(tmp_path):
    program = textwrap.dedent(
        """
        import os, sys, time
        from pathlib import Path
        from nevus.pipeline.lock import folder_lock
        with folder_lock(Path(sys.argv[1])):
            child = os.fork()
            if child == 0:
                time.sleep(60)
            print(child, flush=True)
            time.sleep(60)
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    orphan = int(parent.stdout.readline())
    try:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        os.kill(orphan, 0)  # it lives
        notices = []
        with folder_lock(tmp_path, notices.append):
            pass
        assert f"process {parent.pid}, which ended in the middle" in notices[0]
    finally:
        os.kill(orphan, signal.SIGKILL)


class TestWhereTheFileSystemKnowsNoLocks:
    @pytest.fixture(autouse=True)
    def unsupported(self, monkeypatch):
        monkeypatch.setattr(lock, "_lock", lambda descriptor: None)

    def leave(self, out, pid, host=None):
        out.joinpath(FILE).write_text(
            lock.Holder(pid=pid, host=host or lock._host(), since="2026-01-02T03:04:05Z").model_dump_json()
        )

    def test_a_note_of_a_live_process_keeps_out(self, tmp_path):
        self.leave(tmp_path, os.getppid())
        with pytest.raises(FolderLockedError, match="since 2026-01-02 03:04:05 UTC"), folder_lock(tmp_path):
            pass

    def test_a_note_of_a_dead_process_is_taken_over(self, tmp_path):
        done = subprocess.Popen([sys.executable, "-c", ""])
        done.wait()
        self.leave(tmp_path, done.pid)
        with folder_lock(tmp_path):
            pass

    def test_a_note_of_another_host_keeps_out_because_it_cannot_be_asked(self, tmp_path):
        self.leave(tmp_path, 1, host="elsewhere")
        with pytest.raises(FolderLockedError, match="on elsewhere"), folder_lock(tmp_path):
            pass


def test_a_damaged_note_does_not_stop_anyone(tmp_path):
    (tmp_path / FILE).write_text("{")
    assert take_elsewhere(tmp_path) == "taken"
