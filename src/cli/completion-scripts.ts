import { type Command } from 'commander';

/** One command with what may follow it. */
interface Entry {
  /** `users list`, or `audit`. */
  path: string;
  description: string;
  flags: string[];
  subcommands: { name: string; description: string }[];
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What a shell completes `quotidian` by: made of the commands as they are, with nothing to run at each tab. */
export function completionScript(shell: Shell, program: Command): string {
  const entries = program.commands.flatMap((command) => [
    entryOf(command, command.name()),
    ...command.commands.map((sub) => entryOf(sub, `${command.name()} ${sub.name()}`)),
  ]);
  return { bash, zsh, fish }[shell](entries);
}

function entryOf(command: Command, path: string): Entry {
  const flags = [...command.options.flatMap(({ long }) => long ?? []), '--help'];
  const subcommands = command.commands.map((sub) => ({ name: sub.name(), description: sub.description() }));
  return { path, description: command.description(), flags, subcommands };
}

/** Zsh has there what was typed. */
const TYPED = 'words';

const isGroup = ({ subcommands }: Entry) => subcommands.length > 0;
const top = (entries: Entry[]) => entries.filter(({ path }) => !path.includes(' '));
const choicesAfter = (entry: Entry) => (isGroup(entry) ? entry.subcommands.map(({ name }) => name) : entry.flags).join(' ');

function bash(entries: Entry[]): string {
  const cases = entries.map((entry) => `    '${entry.path}') choices='${choicesAfter(entry)}' ;;\n`).join('');
  const groups = entries
    .filter(isGroup)
    .map(({ path }) => path)
    .join('|');
  return `# quotidian: completion for bash. source <(quotidian completion bash)
_quotidian() {
  local line="\${COMP_LINE:0:COMP_POINT}" current='' path='' choices='' prefix i
  local -a typed
  read -ra typed <<< "$line"
  local count=\${#typed[@]}
  case "$line" in *' ') ;; *) count=$((count - 1)); current="\${typed[count]}" ;; esac
  if [ "$count" -ge 2 ]; then path="\${typed[1]}"; fi
  case "$path" in ${groups}) if [ "$count" -ge 3 ]; then path="$path \${typed[2]}"; fi ;; esac
  case "$path" in
    '') choices='${top(entries)
      .map(({ path }) => path)
      .join(' ')}' ;;
${cases}  esac
  COMPREPLY=($(compgen -W "$choices" -- "$current"))
  # A colon ends a part of the line for bash.
  case "$current" in
    *:*) prefix="\${current%"\${current##*:}"}"; for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]="\${COMPREPLY[i]#"$prefix"}"; done ;;
  esac
}
complete -o default -F _quotidian quotidian
`;
}

function zsh(entries: Entry[]): string {
  const groups = entries.filter(isGroup).map((entry) => `    ${entry.path}) if (( CURRENT == 3 )); then compadd -- ${choicesAfter(entry)}; return; fi ;;\n`);
  const flags = entries
    .filter((entry) => !isGroup(entry))
    .map((entry) => `    ${entry.path.includes(' ') ? `'${entry.path}'` : `'${entry.path} '*`}) compadd -- ${choicesAfter(entry)} ;;\n`);
  return `#compdef quotidian
# quotidian: completion for zsh. source <(quotidian completion zsh)
_quotidian() {
  if (( CURRENT == 2 )); then
    compadd -- ${top(entries)
      .map(({ path }) => path)
      .join(' ')}
    return
  fi
  case "$${TYPED}[2]" in
${groups.join('')}  esac
  case "$${TYPED}[2] $${TYPED}[3]" in
${flags.join('')}  esac
  _files
}
compdef _quotidian quotidian
`;
}

function fish(entries: Entry[]): string {
  const lines = entries.flatMap((entry) => {
    const { path, description, flags, subcommands } = entry;
    const [command = '', sub] = path.split(' ');
    const here =
      sub === undefined ? `__fish_seen_subcommand_from ${command}` : `__fish_seen_subcommand_from ${command}; and __fish_seen_subcommand_from ${sub}`;
    const first = sub === undefined ? [`-f -n __fish_use_subcommand -a ${command} -d ${quoted(description)}`] : [];
    const none = `${here}; and not __fish_seen_subcommand_from ${subcommands.map(({ name }) => name).join(' ')}`;
    const below = subcommands.map(({ name, description: about }) => `-f -n '${none}' -a ${name} -d ${quoted(about)}`);
    return [...first, ...(isGroup(entry) ? below : flags.map((flag) => `-n '${here}' -l ${flag.slice(2)}`))];
  });
  return `# quotidian: completion for fish. quotidian completion fish | source\n${lines.map((line) => `complete -c quotidian ${line}\n`).join('')}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', ' ')}'`;
}
