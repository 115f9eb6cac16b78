// Entente settles payments between nations that exercise together and buy equipment from each other, in central-bank money.
package main

import (
	"os"

	"entente/ops/cli"
)

func main() { os.Exit(cli.Run(os.Args[1:], os.Stdout, os.Stderr)) }
