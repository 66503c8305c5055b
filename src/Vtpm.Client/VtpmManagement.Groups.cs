using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>Groups: who approves, and what is approved.</content>
public sealed partial class VtpmManagement
{
    /// <summary><c>VTPM_ORD_GROUP_LIST</c>: how many groups there are; their indices are the numbers below it.</summary>
    public uint CountGroups()
    {
        uint count = _client.Manage<NoParameters, VtpmGroupListResponse>(VtpmManagerOrdinal.GroupList, default).Count;
        return count <= MostGroups ? count : throw Implausible(VtpmManagerOrdinal.GroupList);
    }

    /// <summary>
    /// <c>VTPM_ORD_GROUP_NEW</c>: a group under an authority. The manager's first group is group 0, on which the whole image depends.
    /// </summary>
    /// <param name="saaModulus">The RSA-2048 modulus of the authority that is to approve configurations, 256 bytes.</param>
    /// <param name="labelDigest">
    /// The TPM_CHOSENID_HASH of the privacy CA that is to certify the group's identity key; zeroes when there is none.
    /// </param>
    public VtpmGroupNewResponse NewGroup(ReadOnlyMemory<byte> saaModulus, TpmDigest labelDigest = default) => _client.Manage<VtpmGroupNewRequest, VtpmGroupNewResponse>(
        VtpmManagerOrdinal.GroupNew, new VtpmGroupNewRequest { LabelDigest = labelDigest, SaaModulus = saaModulus });

    /// <summary><c>VTPM_ORD_GROUP_SHOW</c>: authority and configuration of a group that is open.</summary>
    public VtpmGroupShowResponse ShowGroup(uint group) =>
        _client.Manage<VtpmGroupRequest, VtpmGroupShowResponse>(VtpmManagerOrdinal.GroupShow, new VtpmGroupRequest { Group = group });

    /// <summary><c>GROUP_INFO</c>, ours, as often as it takes: a group, open or closed, with all of its platforms and kernels.</summary>
    public VtpmGroupInfoResponse GroupInfo(uint group)
    {
        var platforms = new List<VtpmPlatform>();
        var kernels = new List<TpmDigest>();
        while (true)
        {
            VtpmGroupInfoResponse page = _client.Manage<VtpmGroupInfoRequest, VtpmGroupInfoResponse>(
                VtpmManagerOrdinal.GroupInfo, new VtpmGroupInfoRequest { Group = group, PlatformOffset = (uint)platforms.Count, KernelOffset = (uint)kernels.Count });
            if (page.PlatformCount > VtpmConfigList.Limit || page.KernelCount > VtpmConfigList.Limit) throw Implausible(VtpmManagerOrdinal.GroupInfo);
            platforms.AddRange(page.Platforms);
            kernels.AddRange(page.Kernels);
            bool isWhole = platforms.Count >= page.PlatformCount && kernels.Count >= page.KernelCount;
            if (!isWhole && page.Platforms.Length + page.Kernels.Length > 0) continue;
            page.Platforms = [.. platforms];
            page.Kernels = [.. kernels];
            return page;
        }
    }

    /// <summary><c>GROUP_INFO</c>; null where the manager does not have the command, and the group is not open.</summary>
    public VtpmGroupInfoResponse? TryGroupInfo(uint group)
    {
        try
        {
            return GroupInfo(group);
        }
        catch (VtpmManagerException exception) when (exception.Result == TpmResult.BadOrdinal)
        {
            return null;
        }
    }

    /// <summary>The index of a group by its uuid; from a manager of Xen's, among those that are open.</summary>
    public uint? FindGroup(Guid uuid)
    {
        uint count = CountGroups();
        for (uint group = 0; group < count; group++)
        {
            if (UuidOf(group) == uuid) return group;
        }

        return null;
    }

    /// <summary>
    /// <c>VTPM_ORD_GROUP_UPDATE</c>, or <c>GROUP_UPDATE_PART</c> for what is longer than a message: gives a group a configuration that its authority
    /// has
    /// signed.
    /// </summary>
    /// <param name="group">The index of the group.</param>
    /// <param name="signedConfiguration">The authority's file, as it is.</param>
    public void UpdateGroup(uint group, ReadOnlyMemory<byte> signedConfiguration)
    {
        const int longest = LongestMessage - TpmHeader.Size - sizeof(uint);
        const int longestPart = longest - 2 * sizeof(uint);
        if (signedConfiguration.Length <= longest)
        {
            _client.Manage(VtpmManagerOrdinal.GroupUpdate, [.. WireFormat.ToBytes(new VtpmGroupRequest { Group = group }), .. signedConfiguration.Span]);
            return;
        }

        for (int offset = 0; offset < signedConfiguration.Length; offset += longestPart)
        {
            _client.Manage<VtpmGroupUpdatePartRequest, VtpmGroupUpdatePartResponse>(VtpmManagerOrdinal.GroupUpdatePart, new VtpmGroupUpdatePartRequest
            {
                Group = group,
                Total = (uint)signedConfiguration.Length,
                Offset = (uint)offset,
                Part = signedConfiguration.Slice(offset, Math.Min(longestPart, signedConfiguration.Length - offset)),
            });
        }
    }

    /// <summary><c>VTPM_ORD_GROUP_DEL</c>: removes a group and its vTPMs, whose disk images nothing opens any more.</summary>
    public void DeleteGroup(uint group) => Command(VtpmManagerOrdinal.GroupDel, new VtpmGroupRequest { Group = group });

    /// <summary><c>GROUP_ROTATE</c>, ours: new keys for a group. What its authority has from a registration opens it no longer.</summary>
    public void RotateGroup(uint group) => Command(VtpmManagerOrdinal.GroupRotate, new VtpmGroupRequest { Group = group });

    /// <summary><c>GROUP_ACCEPT</c>, ours: the group's state is the right one, though an older one may have been put into the image.</summary>
    public void AcceptGroup(uint group) => Command(VtpmManagerOrdinal.GroupAccept, new VtpmGroupRequest { Group = group });

    private Guid? UuidOf(uint group)
    {
        try
        {
            return TryGroupInfo(group)?.GroupUuid ?? ShowGroup(group).GroupUuid;
        }
        catch (VtpmManagerException exception) when (exception.Result == TpmResult.AuthFail)
        {
            return null;
        }
    }
}
