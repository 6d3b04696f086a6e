//! `orchestrator completions SHELL`

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Arguments as Global, Exit, say};

pub(super) const EXAMPLES: &str = "Examples, each for the shell's next start:
  orchestrator completions bash > ~/.local/share/bash-completion/completions/orchestrator
  orchestrator completions fish > ~/.config/fish/completions/orchestrator.fish
  orchestrator completions zsh > ~/.zfunc/_orchestrator

For zsh, ~/.zshrc needs these two lines:
  fpath+=~/.zfunc
  autoload -Uz compinit && compinit";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn completions(arguments: &Arguments) -> Exit {
    let mut command = Global::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut script);
    say::document(&script);
    Exit::Ok
}
