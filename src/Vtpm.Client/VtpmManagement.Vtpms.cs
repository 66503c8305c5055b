using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>The vTPMs of the groups.</content>
public sealed partial class VtpmManagement
{
    /// <summary><c>VTPM_ORD_VTPM_LIST</c>, as often as it takes: all vTPMs of an open group.</summary>
    public IReadOnlyList<Guid> ListVtpms(uint group)
    {
        var uuids = new List<Guid>();
        while (true)
        {
            VtpmListResponse page = _client.Manage<VtpmListRequest, VtpmListResponse>(
                VtpmManagerOrdinal.VtpmList, new VtpmListRequest { Group = group, Offset = (uint)uuids.Count });
            if (page.Total > MostVtpms) throw Implausible(VtpmManagerOrdinal.VtpmList);
            uuids.AddRange(page.Uuids);
            // vTPMs come and go between two pages: a page that has none ends the list as well.
            if (page.Uuids.Length == 0 || uuids.Count >= page.Total) return uuids;
        }
    }

    /// <summary><c>VTPM_ORD_VTPM_NEW</c>: a vTPM in a group.</summary>
    /// <param name="group">The index of the group.</param>
    /// <param name="uuid">Its uuid; null lets the manager choose.</param>
    /// <returns>Its uuid.</returns>
    public Guid NewVtpm(uint group, Guid? uuid = null) =>
        _client.Manage<VtpmNewRequest, VtpmUuid>(VtpmManagerOrdinal.VtpmNew, new VtpmNewRequest { Group = group, Uuid = uuid }).Uuid;

    /// <summary><c>VTPM_ORD_VTPM_SHOW</c>; the layout is ours: a vTPM's group, rights and state, and what it was measured to be.</summary>
    public VtpmShowResponse ShowVtpm(Guid uuid) =>
        _client.Manage<VtpmUuid, VtpmShowResponse>(VtpmManagerOrdinal.VtpmShow, new VtpmUuid { Uuid = uuid });

    /// <summary><c>VTPM_ORD_VTPM_EDIT</c>; the layout is ours: changes the rights that <paramref name="mask"/> names.</summary>
    public void EditVtpm(Guid uuid, VtpmRights mask, VtpmRights rights) =>
        Command(VtpmManagerOrdinal.VtpmEdit, new VtpmEditRequest { Uuid = uuid, Mask = mask, Rights = rights });

    /// <summary><c>VTPM_ORD_VTPM_DEL</c>: forgets a vTPM, whose disk image nothing opens any more.</summary>
    public void DeleteVtpm(Guid uuid) => Command(VtpmManagerOrdinal.VtpmDel, new VtpmUuid { Uuid = uuid });
}
