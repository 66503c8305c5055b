using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>A signed list of an authority's, in either form, as anybody can read it.</summary>
public sealed class ApprovedFile
{
    private static readonly byte[] Exponent = [1, 0, 1];

    private readonly byte[] _signed;
    private readonly byte[] _signature;

    private ApprovedFile(ApprovedList list, bool isOriginalForm, byte[] signed, byte[] signature)
    {
        (List, IsOriginalForm) = (list, isOriginalForm);
        (_signed, _signature) = (signed, signature);
    }

    public ApprovedList List { get; }

    /// <summary>Whether the PCR masks are covered by nothing.</summary>
    public bool IsOriginalForm { get; }

    /// <exception cref="ApprovalException">It is in neither form.</exception>
    public static ApprovedFile Read(ReadOnlySpan<byte> file) => file.StartsWith(VtpmApprovedConfiguration.Magic) ? ReadOurs(file) : ReadOriginals(file);

    /// <summary>Whether the authority of that modulus has signed it.</summary>
    public bool IsSignedBy(ReadOnlySpan<byte> modulus)
    {
        try
        {
            using RSA key = RSA.Create(new RSAParameters { Modulus = modulus.ToArray(), Exponent = Exponent });
            return key.VerifyData(_signed, _signature, IsOriginalForm ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        }
        catch (CryptographicException)
        {
            return false;   // Numbers that are no key sign nothing.
        }
    }

    private static ApprovedFile ReadOurs(ReadOnlySpan<byte> file)
    {
        if (WireFormat.Read(file, out VtpmApprovedConfiguration ours) != TpmResult.Success) throw Unreadable(file.Length);
        var list = new ApprovedList { Group = ours.GroupUuid, Sequence = ours.Sequence, Platforms = ours.Platforms, Kernels = ours.Kernels };
        return new ApprovedFile(list, false, file[..^VtpmApprovedConfiguration.SignatureSize].ToArray(), ours.Signature.ToArray());
    }

    private static ApprovedFile ReadOriginals(ReadOnlySpan<byte> file)
    {
        // As GROUP_UPDATE has it: the file after the group's index.
        if (WireFormat.Read([0, 0, 0, 0, .. file], out VtpmGroupUpdateRequest original) != TpmResult.Success) throw Unreadable(file.Length);
        VtpmConfigList config = original.Config;
        VtpmPlatform[] platforms =
            [.. config.Platforms.Zip(original.PcrSelections, (composite, selection) => new VtpmPlatform { PcrSelection = selection, Composite = composite })];
        var list = new ApprovedList { Sequence = config.Sequence, Platforms = platforms, Kernels = config.Kernels };
        return new ApprovedFile(list, true, WireFormat.ToBytes(config), original.Signature.ToArray());
    }

    private static ApprovalException Unreadable(int length) =>
        new($"these {length} bytes are no signed list: a file of 'vtpm approve sign', or of Xen's calc.pl, is wanted");
}
