output "rot" { value = ["a","b","c"] }
output "tl" { value = tolist(["a","b","c"]) }
output "ts" { value = toset(["a","b","c"]) }
output "ts2" { value = toset(["a","b","c"]) }
output "objs" { value = [{a=1},{a=3,b=4}] }
output "long" { value = ["1","2","3","4","5","6","7","8","9","10"] }
output "long2" { value = ["1","2","3","4","5","6","7","8","9"] }
output "nullin" { value = ["1","2","3"] }
output "mo" { value = {a="x",b={c=2,d=3},"q r"=1} }
output "mult" { value = ["a\nc\n"] }
output "txt" { value = "x" }
output "js" { value = "{\"a\":1}" }
output "js2" { value = "hello" }
output "tm" { value = tomap({a="z"}) }
resource "terraform_data" "x" { 
 input = tolist(["a","b","c"])
 triggers_replace = ["1","2","3","4","5","6","7","8","9", "10"]
}
resource "terraform_data" "y" { 
 input = tomap({a="z"})
}
resource "terraform_data" "z" { 
 input = toset(["a","b"])
}
resource "terraform_data" "nn" { 
 input = {a="x",b={q=1}, c=[1], d=null}
}
resource "terraform_data" "ls" { 
 input = tolist([{a=1,b=tostring(null)}])
 triggers_replace = ["1","3"]
}
