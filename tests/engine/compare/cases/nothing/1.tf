# run: plan
# run: plan -detailed-exitcode
# run: plan -destroy
# run: apply -auto-approve
# run: destroy -auto-approve
# run: show
# run: output
# run: output -json
# run: state list
locals { a = 1 }
