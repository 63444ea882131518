// Package nvrapi holds the API that existing clients of the recorder speak.
package nvrapi
