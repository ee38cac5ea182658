"""Running the programs that are compared."""

import subprocess
import sys


class Failed(Exception):
    """A program did not do what it was asked; one line, then the end of its errors."""


class OutOfTime(Failed):
    """A program was stopped, or not begun, because of the time that all of it may take."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(command, timeout=None):
    """What it prints."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise OutOfTime(f"{' '.join(words)} took more than {timeout:.0f} s") from None
    except OSError as error:
        raise Failed(f"{words[0]}: {error.strerror}") from None
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)} failed ({done.returncode}):\n{done.stderr[-3000:]}")
    return done.stdout
