using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// What an administrator may ask of a hardware TPM 1.2 beside what the manager needs of it itself, all by the owner's authorization that the manager
/// has.
/// </summary>
/// <remarks>Members throw as those of <see cref="IHardwareTpm"/>.</remarks>
internal interface IHardwareAdministration
{
    /// <summary><c>TPM_MakeIdentity</c>.</summary>
    (TpmKey Key, byte[] Binding) MakeIdentity(TpmSecret secret, TpmDigest labelDigest, TpmKey parameters);

    /// <summary><c>TPM_ActivateIdentity</c>, with the resettable PCRs saying nothing (as far as the hardware's locality allows).</summary>
    TpmSymmetricKey ActivateIdentity(TpmKey key, TpmSecret secret, ReadOnlyMemory<byte> blob);

    /// <summary>A quote by a key that is no group's.</summary>
    (TpmPcrComposite Pcrs, byte[] Signature) Quote(TpmKey key, TpmSecret secret, TpmDigest externalData, TpmPcrSelection selection);

    /// <summary><c>TPM_OwnerReadInternalPub</c> of the endorsement key.</summary>
    TpmPubKey ReadPubek();

    /// <summary><c>TPM_NV_DefineSpace</c>.</summary>
    void NvDefineSpace(TpmNvDataPublic area, TpmSecret secret);

    /// <summary><c>TPM_NV_WriteValue</c>, by the owner where the area asks for it.</summary>
    void NvWriteValue(uint index, uint offset, ReadOnlyMemory<byte> data);

    /// <summary><c>TPM_NV_ReadValue</c>, by the owner where the area asks for it.</summary>
    byte[] NvReadValue(uint index, uint offset, uint size);
}
