// Programs of the images that the local cluster makes itself. No dependencies.
module todoapp-operator/cluster/images

go 1.26
