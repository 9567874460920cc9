#compdef gray scale grayd scaled heifd imgd imgput imgget imgls imgrm imginfo imgsign
# Completion of imgtools' commands for zsh. Flags and what they take are read
# from the command's own -h, so they are those of the version that is there.
# make install puts it where zsh looks, as _imgtools.

_imgtools() {
	local line names text name arg takes synopsis
	local -a specs
	for line in ${(f)"$(_call_program flags ${(q)words[1]} -h 2>/dev/null)"}; do
		case $line in
		('usage: '*) synopsis=$line ;;
		('  -'*) # "  -i IP, --ip IP   what it is"
			names=${${line#  }%%   *}
			text=${line##*   }
			text=${${${text//\\/\\\\}//\]/\\]}//\[/\\[}
			arg=
			for name in ${=names//,/ }; do
				[[ $name == -* ]] || arg=$name
			done
			[[ $line == *'one of '* ]] && arg=${${${line##*one of }%% \(*}// /|}
			case $arg in
			('') takes= ;;
			(FILE) takes=:file:_files ;;
			(DIR) takes=':folder:_files -/' ;;
			(*'|'*) takes=":word:(${arg//|/ })" ;;
			(*) takes=":${(L)arg}: " ;;
			esac
			for name in ${=names//,/ }; do
				[[ $name == -* ]] && specs+=("*${name}[$text]$takes")
			done
			;;
		esac
	done
	case $synopsis in
	(*' geometry '*) specs+=('1:geometry: ' '*:file:_files') ;;
	(*keyfile*) specs+=('1:key file:_files' '*:path: ') ;;
	(*'[file]...') specs+=('*:file:_files') ;;
	(*'[id]...') specs+=('*:job:_imgtools_ids') ;;
	esac
	_arguments -A '-*' : $specs
}

# _imgtools_ids has the ids of the jobs that imgput keeps for its user, and shows the
# names of their pictures.
_imgtools_ids() {
	local id server seconds name
	local -a ids shown
	while IFS=$'\t' read -r id server seconds name; do
		ids+=($id)
		shown+=("$id${name:+  $name}")
	done 2>/dev/null <${XDG_STATE_HOME:-$HOME/.local/state}/imgput/jobs
	compadd -l -d shown -a ids
}

_imgtools "$@"
