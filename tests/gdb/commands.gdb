set pagination off
set confirm off
set width 0
set print pretty off
break stop
run
up
echo --- values\n
print x
print odd
print whole
print truth
print number
print none
print empty
print part
print alias
print *pointer
print shape
print single
print dtype
print w
print frozen
print gradients
print wide
echo --- floe-print\n
floe-print x
floe-print pointer
floe-print w
floe-print truth
floe-print number
floe-print none
echo --- calls\n
call floe::debug::print(x)
call floe::debug::print(w)
call floe::debug::print(gradients)
print floe::debug::at(x, 5)
print floe::debug::at(x, 6)
print floe::debug::mean(x)
print floe::debug::op("square", x)
print floe::debug::op("add", $, x)
print floe::debug::op("matmul", x, x)
print floe::debug::op("cosine", x)
print floe::debug::op("clip", x, 2, 4)
call floe::debug::set(x, 0, 10)
print x
print part
call floe::debug::set(w, 5, -4)
print w
