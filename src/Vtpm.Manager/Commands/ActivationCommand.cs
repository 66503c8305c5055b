using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>TPM_ActivateIdentity of one kind of identity key: what it releases opens a privacy CA's credential.</summary>
internal abstract class ActivationCommand<TRequest>(VtpmManagerOrdinal ordinal) : ManagerCommand<TRequest, TpmSymmetricKey>(ordinal)
    where TRequest : struct, IWireStructure<TRequest>
{
    /// <summary>A blob is what one RSA key can decrypt; this is the longest key's.</summary>
    protected const int LongestBlob = 512;

    protected sealed override void Forget(in TpmSymmetricKey response) =>
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsMemory(response.Data).Span);
}
