set pagination off
set width 0
echo --- walk\n
set trace-commands on
break stop_in_a_loop
run
up
print loss
print gradient
print w
call floe::debug::set(w, 1, -6)
continue
up
print loss
next
next
print w
