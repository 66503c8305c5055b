using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <content>Identity keys, which a TPM 2.0 has not as TPM 1.2 has them.</content>
internal sealed partial class Tpm2Hardware
{
    public bool MakesIdentities => false;

    public (TpmKey Key, byte[] Binding) MakeIdentity(ManagerGroup group, TpmDigest labelDigest) => throw NoIdentities();

    public (TpmPcrComposite Pcrs, byte[] Signature) Quote(ManagerGroup group, TpmDigest externalData, TpmPcrSelection selection) =>
        throw NoIdentities();

    public TpmSymmetricKey ActivateIdentity(ManagerGroup group, ReadOnlyMemory<byte> blob) => throw NoIdentities();

    private static ManagerException NoIdentities() =>
        new("the hardware is a TPM 2.0, which has no identity keys and quotes of TPM 1.2: deep quotes need a TPM 1.2");
}
