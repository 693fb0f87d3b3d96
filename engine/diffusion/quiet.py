"""Imported first: advice for developers doesn't belong on the owner's terminal."""

import diffusers
import transformers

for library in (diffusers.utils.logging, transformers.utils.logging):
    library.disable_progress_bar()
    library.set_verbosity_error()
