output "rot" { value = ["b","c","a"] }
output "tl" { value = tolist(["b","c","a"]) }
output "ts" { value = toset(["b","c","d"]) }
output "ts2" { value = toset(["b","c"]) }
output "objs" { value = [{a=1},{a=2},{a=3,b=5}] }
output "long" { value = ["1","2","3","4","5","x","7","8","9"] }
output "long2" { value = ["1","2","3","4","5","x","7","8","9"] }
output "nullin" { value = ["1",null,"3"] }
output "mo" { value = {a="x",b={c=1}} }
output "mult" { value = ["a\nb\n"] }
output "txt" { value = "a\nb" }
output "js" { value = "{\"a\": 1}" }
output "js2" { value = "{\"a\": 2}" }
output "tm" { value = tomap({a="x","b c"="y"}) }
resource "terraform_data" "x" { 
 input = tolist(["b","c","a"])
 triggers_replace = ["1","2","3","4","5","x","7","8","9"]
}
resource "terraform_data" "y" { 
 input = tomap({a="x","b c"="y"})
}
resource "terraform_data" "z" { 
 input = toset(["b","c"])
}
resource "terraform_data" "nn" { 
 input = {a=null,b={}, c=[], d="x"}
}
resource "terraform_data" "ls" { 
 input = tolist([{a=1,b=tostring(null)},{a=2,b="x"}])
 triggers_replace = ["1","2"]
}
